autocmd BufRead,BufNewFile *.net setfiletype netlang
